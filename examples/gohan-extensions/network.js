var FIRST_VLAN = 100;

/** The lowest VLAN that no network has yet. */
function nextVlan(transaction) {
  var taken = _.pluck(gohan_db_list(transaction, 'network', {}, 'vlan'), 'vlan');
  var vlan = FIRST_VLAN;
  while (_.contains(taken, vlan)) {
    vlan += 1;
  }
  if (vlan > 199) {
    throw new CustomException('All VLANs are taken', 409);
  }
  return vlan;
}

gohan_register_handler('pre_create_in_transaction', function (context) {
  if (!context.resource.vlan) {
    context.resource.vlan = nextVlan(context.transaction);
    gohan_log_info('network ' + context.resource.name + ' gets VLAN ' + context.resource.vlan);
  }
});

gohan_register_handler('ping', function (context) {
  var url = gohan_config('controller/url', 'http://127.0.0.1:9000');
  var answer = gohan_http('GET', url + '/networks/' + context.id, {}, null);
  if (answer.status !== 'success') {
    throw new TimeOutException('The controller does not answer: ' + answer.error);
  }
  context.response = { reachable: answer.status_code === '200' };
});
