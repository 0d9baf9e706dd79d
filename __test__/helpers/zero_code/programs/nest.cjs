'use strict';
// A NestJS service with one route; what it traces is up to what is preloaded.

require('reflect-metadata');
const { Controller, Get, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { traced } = require('./traced.cjs');

class Shop {
  orders() {
    traced();
    return { orders: 20 };
  }
}
// What decorators do, in a language without them.
Get('/orders')(Shop.prototype, 'orders', Object.getOwnPropertyDescriptor(Shop.prototype, 'orders'));
Controller()(Shop);
class Application {}
Module({ controllers: [Shop] })(Application);

(async () => {
  const app = await NestFactory.create(Application, { logger: false });
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  console.log(`ready ${app.getHttpServer().address().port}`);
})();
