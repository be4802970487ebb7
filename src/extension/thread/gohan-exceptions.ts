import { addBaseException } from './exceptions.ts';
import type { GohanThread } from './types.ts';

/*
 * In the realm of the scripts, and in the JavaScript of their time: they inherit by `CustomException.call(this, …)` and `Object.create`.
 * Each instance has its own `toDict` and `toString`, which work in types that call the parent but forget the prototype.
 */
const SOURCE = `(function () {
  'use strict';
  function toDict() {
    var self = this;
    return this.fields.reduce(function (dict, field) {
      dict[field] = self[field];
      return dict;
    }, {});
  }
  function toString() {
    return String(this.name) + '(' + String(this.message) + ')';
  }
  function BaseException() {
    this.fields = ['name', 'message'];
    this.message = '';
    this.name = 'BaseException';
    this.toDict = toDict;
    this.toString = toString;
  }
  function define(name, field, fixed) {
    function Exception(message, value) {
      BaseException.call(this);
      this.message = message;
      this.name = name;
      this[field] = fixed === undefined ? value : fixed;
      this.fields.push(field);
    }
    Exception.prototype = Object.create(BaseException.prototype, { constructor: { value: Exception, writable: true, configurable: true } });
    Object.defineProperty(Exception, 'name', { value: name });
    return Exception;
  }
  return {
    BaseException: BaseException,
    CustomException: define('CustomException', 'code'),
    NotFoundException: define('NotFoundException', 'code', 404),
    TimeOutException: define('TimeOutException', 'code', 503),
    ResourceException: define('ResourceException', 'problem'),
    ExtensionException: define('ExtensionException', 'inner_exception')
  };
})()`;

type ExceptionType = new (message: unknown, value: unknown) => object;

/** The exception types of one environment, which become its globals. */
export interface GohanExceptions {
  readonly BaseException: ExceptionType;
  readonly CustomException: ExceptionType;
  readonly NotFoundException: ExceptionType;
  readonly TimeOutException: ExceptionType;
  readonly ResourceException: ExceptionType;
  readonly ExtensionException: ExceptionType;
}

export function createExceptions(thread: GohanThread): GohanExceptions {
  const exceptions = thread.evaluate(SOURCE, 'gohan-exceptions.js') as GohanExceptions;
  addBaseException(exceptions.BaseException.prototype as object);
  return exceptions;
}
