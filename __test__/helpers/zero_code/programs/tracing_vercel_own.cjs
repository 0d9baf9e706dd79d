'use strict';
// As the documentation begins: SDK, processor and exporter are all in the one file of that package.

const { registerOTel } = require('@vercel/otel');

registerOTel({ serviceName: 'shop' });
