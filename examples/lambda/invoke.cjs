// Stands in for the platform: two invocations of one instance.
const { handler } = require('./handler.cjs');

(async () => {
  for (const [name, awsRequestId] of [
    ['Ada', 'request-1'],
    ['Grace', 'request-2'],
  ]) {
    console.log((await handler({ name }, { awsRequestId })).body);
  }
})();
