import { describe, expect, test } from 'vitest';
import { jsonPatch, mergePatch } from './patch.ts';
import { strategicMerge } from './strategic-merge.ts';

describe('merge patch (RFC 7396, appendix A)', () => {
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, merged) => {
    expect(mergePatch(target, patch)).toEqual(merged);
  });
});

describe('JSON patch (RFC 6902, appendix A)', () => {
  test.each([
    [{ foo: ['bar', 'baz'] }, { op: 'add', path: '/foo/1', value: 'qux' }, { foo: ['bar', 'qux', 'baz'] }],
    [{ foo: ['bar', 'qux', 'baz'] }, { op: 'remove', path: '/foo/1' }, { foo: ['bar', 'baz'] }],
    [{ a: [1, 2, 3] }, { op: 'replace', path: '/a/1', value: 9 }, { a: [1, 9, 3] }],
    [
      { foo: { bar: 1 }, qux: {} },
      { op: 'move', from: '/foo/bar', path: '/qux/thud' },
      { foo: {}, qux: { thud: 1 } },
    ],
    [{ foo: [1, 2] }, { op: 'move', from: '/foo/0', path: '/foo/1' }, { foo: [2, 1] }],
    [{ a: { b: 1 } }, { op: 'copy', from: '/a', path: '/c' }, { a: { b: 1 }, c: { b: 1 } }],
    [
      { '/': 9, '~1': 10 },
      { op: 'test', path: '/~01', value: 10 },
      { '/': 9, '~1': 10 },
    ],
    [{ foo: ['bar'] }, { op: 'add', path: '/foo/-', value: ['a'] }, { foo: ['bar', ['a']] }],
    [{ a: 1 }, { op: 'add', path: '', value: { b: 2 } }, { b: 2 }],
  ])('%j after %j is %j', (target, operation, result) => {
    expect(jsonPatch(target, [operation])).toEqual(result);
  });

  test.each([
    [{ op: 'add', path: '/a/b/c', value: 1 }, 'inapplicable'],
    [{ op: 'remove', path: '/none' }, 'inapplicable'],
    [{ op: 'test', path: '/x', value: 2 }, 'inapplicable'],
    [{ op: 'swap', path: '/x' }, 'malformed'],
    [{ op: 'add' }, 'malformed'],
    ['add', 'malformed'],
  ])('%j is %s', (operation, kind) => {
    const target = { x: 1 };
    expect(() => jsonPatch(target, [operation])).toThrow(expect.objectContaining({ kind }) as Error);
    expect(target).toEqual({ x: 1 });
  });
});

describe('strategic merge patch', () => {
  test.each([
    ['a directive replaces a record', { a: { x: 1 } }, { a: { $patch: 'replace', y: 2 } }, { a: { y: 2 } }],
    [
      'a directive replaces a list',
      { env: [{ name: 'a' }] },
      { env: [{ $patch: 'replace' }, { name: 'b' }] },
      { env: [{ name: 'b' }] },
    ],
    ['an unknown list is replaced', { args: ['a'] }, { args: ['b'] }, { args: ['b'] }],
    [
      'only the keys to retain are kept',
      { strategy: { type: 'a', more: 1 } },
      { strategy: { $retainKeys: ['type'], type: 'b' } },
      { strategy: { type: 'b' } },
    ],
    [
      'ports of a Service merge by port',
      { ports: [{ port: 1, name: 'a' }] },
      { ports: [{ port: 1, x: 2 }] },
      { ports: [{ port: 1, name: 'a', x: 2 }] },
    ],
    [
      'a directive removes values of a set',
      { finalizers: ['a', 'b'] },
      { '$deleteFromPrimitiveList/finalizers': ['a'] },
      { finalizers: ['b'] },
    ],
  ])('%s', (...[, target, patch, merged]) => {
    expect(strategicMerge(target, patch)).toEqual(merged);
  });
});
