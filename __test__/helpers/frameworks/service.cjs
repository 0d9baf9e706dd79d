'use strict';
// One service three times, `node service.cjs <express|fastify|nest>`: each of its handlers blocks the event loop once, in
// a way of its own, and answers when that was. It prints its port, and ends by itself after `GET /quit`.

const BLOCK_MICROS = 60_000;

/** In CPU time: a starved machine changes nothing. */
const computed = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
const now = () => performance.timeOrigin + performance.now();

const handlers = {
  async atOnce() {
    const began = now();
    for (const until = computed() + BLOCK_MICROS; computed() < until; );
    return { began, ended: now() };
  },
  async inMicrotask() {
    await null;
    const began = now();
    for (const until = computed() + BLOCK_MICROS; computed() < until; );
    return { began, ended: now() };
  },
  async afterTimer() {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const began = now();
    for (const until = computed() + BLOCK_MICROS; computed() < until; );
    return { began, ended: now() };
  },
  async withBody(body) {
    const began = now();
    for (const until = computed() + BLOCK_MICROS; computed() < until; ) JSON.stringify(body);
    return { began, ended: now() };
  },
};

const frameworks = {
  async express(quit) {
    const express = require('express');
    const app = express();
    app.use(express.json());
    for (const [name, handler] of Object.entries(handlers)) {
      app.post(`/${name}/:nth`, async (request, response) => response.json(await handler(request.body)));
    }
    app.get('/quit', (_request, response) => {
      response.end();
      quit();
    });
    return new Promise((resolve) => {
      const server = app.listen(0, '127.0.0.1', () => resolve(server));
    });
  },

  async fastify(quit) {
    const app = require('fastify')();
    for (const [name, handler] of Object.entries(handlers)) {
      app.post(`/${name}/:nth`, (request) => handler(request.body));
    }
    app.get('/quit', async () => {
      quit();
      return '';
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server;
  },

  async nest(quit) {
    require('reflect-metadata');
    const { Body, Controller, Get, Module, Post } = require('@nestjs/common');
    const { NestFactory } = require('@nestjs/core');
    class Blocks {
      quit() {
        quit();
        return '';
      }
    }
    // What decorators do, in a language without them.
    const decorate = (name, ...decorators) => {
      const { prototype } = Blocks;
      for (const each of decorators) each(prototype, name, Object.getOwnPropertyDescriptor(prototype, name));
    };
    for (const [name, handler] of Object.entries(handlers)) {
      Blocks.prototype[name] = (body) => handler(body);
      Body()(Blocks.prototype, name, 0);
      decorate(name, Post(`/${name}/:nth`));
    }
    decorate('quit', Get('/quit'));
    Controller()(Blocks);
    class Application {}
    Module({ controllers: [Blocks] })(Application);
    const app = await NestFactory.create(Application, { logger: false });
    await app.listen(0, '127.0.0.1');
    return app.getHttpServer();
  },
};

async function main() {
  const server = await frameworks[process.argv[2]](() => setImmediate(() => server.close()));
  console.log(`port ${server.address().port}`);
}

main();
