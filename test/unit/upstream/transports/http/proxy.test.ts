import { expect, test } from 'vitest';
import { AppError } from '../../../../../src/base/errors.ts';
import { findProxy, proxyAuthorization } from '../../../../../src/upstream/transports/http/proxy.ts';

const proxyOf = (url: string, env: Record<string, string>) => findProxy(new URL(url), env)?.href;

test('takes the variable of the scheme, the lower-case one first, then the one for all', () => {
  const env = { http_proxy: 'http://low:1', HTTP_PROXY: 'http://up:1', ALL_PROXY: 'http://all:1' };
  expect(proxyOf('http://example.com/x', env)).toBe('http://low:1/');
  expect(proxyOf('https://example.com/x', env)).toBe('http://all:1/');
  expect(proxyOf('https://example.com/x', { HTTPS_PROXY: 'proxy.example.com:3128' })).toBe(
    'http://proxy.example.com:3128/',
  );
  expect(proxyOf('https://example.com/x', {})).toBeUndefined();
  expect(proxyOf('wss://example.com/x', { HTTPS_PROXY: 'http://secure:1' })).toBe('http://secure:1/');
});

test.each([
  'http://127.0.0.1:1/',
  'http://localhost:1/',
  'http://[::1]:1/',
  'http://a.localhost/',
])('never asks a proxy for %s', (url) => expect(proxyOf(url, { HTTP_PROXY: 'http://proxy:1' })).toBeUndefined());

test.each([
  ['https://example.com/', 'example.com', false],
  ['https://api.example.com/', 'example.com', false],
  ['https://api.example.com/', '.example.com', false],
  ['https://api.example.com/', '*.example.com', false],
  ['https://badexample.com/', 'example.com', true],
  ['https://example.com/', 'other.org, example.com', false],
  ['https://example.com/', 'other.org example.com', false],
  ['https://example.com:8443/', 'example.com:443', true],
  ['https://example.com/', 'example.com:443', false],
  ['https://example.com/', '*', false],
  ['https://10.1.2.3/', '10.1.2.3', false],
  ['https://[fd00::1]/', 'fd00::1', false],
  ['https://[fd00::1]/', '[fd00::1]', false],
  ['https://[fd00::2]/', 'fd00::1', true],
])('for %s with NO_PROXY=%s: proxied %s', (url, no_proxy, isProxied) => {
  expect(proxyOf(url, { HTTPS_PROXY: 'http://proxy:1', no_proxy })).toBe(isProxied ? 'http://proxy:1/' : undefined);
});

test('refuses a kind of proxy it cannot speak to, without showing its password', () => {
  const ask = () => proxyOf('https://example.com/', { ALL_PROXY: 'socks5://user:secret@proxy:1080' });
  expect(ask).toThrow(AppError);
  expect(ask).toThrow(/socks5:/);
  expect(ask).not.toThrow(/secret/);
});

test('makes the header from the user in the address', () => {
  expect(proxyAuthorization(new URL('http://user:p%40ss@proxy:1'))).toBe(
    `Basic ${Buffer.from('user:p@ss').toString('base64')}`,
  );
  expect(proxyAuthorization(new URL('http://proxy:1'))).toBeUndefined();
});
