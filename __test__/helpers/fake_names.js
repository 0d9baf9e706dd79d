'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

// Names that end in `.fake` resolve to the addresses in FAKE_ADDRESSES, in that order, for whoever asks the C library.
const LIBRARY = `
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <netdb.h>
  #include <stdlib.h>
  #include <string.h>
  typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    look_up *real = (look_up *)dlsym(RTLD_NEXT, "getaddrinfo");
    size_t length = name ? strlen(name) : 0;
    const char *list = getenv("FAKE_ADDRESSES");
    if (!list || length < 5 || strcmp(name + length - 5, ".fake")) return real(name, service, hints, found);
    char *copy = strdup(list), *state = NULL;
    struct addrinfo *first = NULL, **end = &first;
    for (char *text = strtok_r(copy, ",", &state); text; text = strtok_r(NULL, ",", &state)) {
      struct addrinfo numeric = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
      if (hints && hints->ai_family == AF_INET && strchr(text, ':')) continue;
      if (hints && hints->ai_family == AF_INET6 && !strchr(text, ':')) continue;
      if (real(text, service, &numeric, end) == 0) while (*end) end = &(*end)->ai_next;
    }
    free(copy);
    *found = first;
    return first ? 0 : EAI_NONAME;
  }`;

/** `{ env(addresses) }`, what a process needs to see the names, or in `skip` why it cannot be had. */
function fakeNames(t) {
  if (process.platform !== 'linux') return { skip: 'the preloaded library is for Linux' };
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-names-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const library = path.join(directory, 'names.so');
  const options = ['-shared', '-fPIC', '-x', 'c', '-', '-o', library, '-ldl'];
  const { status, error, stderr } = spawnSync('cc', options, { input: LIBRARY, encoding: 'utf8' });
  if (error?.code === 'ENOENT') return { skip: 'there is no C compiler' };
  assert.equal(status, 0, stderr);
  return { env: (...addresses) => ({ LD_PRELOAD: library, FAKE_ADDRESSES: addresses.join(',') }) };
}

module.exports = { fakeNames };
