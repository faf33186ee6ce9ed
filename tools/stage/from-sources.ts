// `node --import` of this file: the libraries of the workspace are read from their sources, as tests read them, so that a program that a
// test starts from its source needs no build.
import { registerHooks } from 'node:module';

const library = /^@pod-identity\/(crd-types|imds-client)(?:\/(\w+))?$/;

registerHooks({
  resolve(specifier, context, next) {
    const [, name, part = 'index'] = library.exec(specifier) ?? [];
    if (name === undefined) return next(specifier, context);
    return next(new URL(`../../packages/${name}/src/${part}.ts`, import.meta.url).href, context);
  },
});
