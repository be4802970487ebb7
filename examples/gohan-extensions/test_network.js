var SCHEMAS = ['networks.yaml'];
var SCHEMA_INCLUDES = [];
var PATH = '/v2.0/networks';

var context;

function setUp() {
  context = {
    schema_id: 'network',
    transaction: MockTransaction(),
    auth: MockAuthorization(),
    policy: MockPolicy(),
    resource: { id: 'net1', name: 'first' },
  };
}

function tearDown() {
  CommitMockTransaction();
}

function testFirstVlanIsTaken() {
  GohanTrigger('pre_create_in_transaction', context);
  if (context.resource.vlan !== 100) {
    Fail('expected VLAN 100, got %v', context.resource.vlan);
  }
}

function testGapsAreFilled() {
  [100, 101, 103].forEach(function (vlan) {
    gohan_db_create(context.transaction, 'network', { id: 'net' + vlan, name: 'taken', vlan: vlan, tenant_id: 'demo' });
  });
  GohanTrigger('pre_create_in_transaction', context);
  if (context.resource.vlan !== 102) {
    Fail('expected VLAN 102, got %v', context.resource.vlan);
  }
}

function testModelsRunTheHandlersToo() {
  var network = gohan_model_create(context, 'network', { id: 'net2', name: 'second', tenant_id: 'demo' });
  if (network.vlan !== 100) {
    Fail('expected VLAN 100, got %v', network.vlan);
  }
}

function testPingAsksTheController() {
  gohan_config.Expect('controller/url', 'http://127.0.0.1:9000').Return('http://controller');
  gohan_http.Expect('GET', 'http://controller/networks/net1', {}, null).Return({ status: 'success', status_code: '200' });
  context.id = 'net1';
  GohanTrigger('ping', context);
  if (!context.response.reachable) {
    Fail('expected the network to answer, got %v', context.response);
  }
}

function testPingTellsThatTheControllerIsAway() {
  gohan_config.Expect('controller/url', 'http://127.0.0.1:9000').Return('http://controller');
  gohan_http.Expect('GET', 'http://controller/networks/net1', {}, null).Return({ status: 'err', error: 'connection refused' });
  context.id = 'net1';
  try {
    GohanTrigger('ping', context);
  } catch (exception) {
    if (exception.code !== 503) {
      Fail('expected status 503, got %v', exception.code);
    }
    return;
  }
  Fail('expected an exception');
}
