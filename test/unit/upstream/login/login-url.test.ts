import { expect, test } from 'vitest';
import { ensureReachableFor, ensureSafeToOpen } from '../../../../src/upstream/login/login-url.ts';

test.each([
  'javascript:alert(1)',
  'file:///etc/passwd',
  'data:text/html,x',
  'vbscript:x',
  'https://example.com/a b',
  'https://example.com/$(touch /tmp/x)',
  'https://example.com/`id`',
  "https://example.com/'x",
  'https://example.com/"x',
  'https://example.com/\nx',
  'https://example.com/\u001b[31m',
  'https://example.com/|x',
  'https://example.com/<x>',
  'https://example.com/\\x',
  ' https://example.com/',
  '-https://example.com/',
  'https://',
])('refuses to show %j', (text) => expect(() => ensureSafeToOpen(text)).toThrow());

test.each([
  'https://example.com/authorize?client_id=a%20b&state=x_y-z.~',
  'http://127.0.0.1:8080/login',
  'https://[::1]:8/x#f',
])('shows %s', (text) => expect(() => ensureSafeToOpen(text)).not.toThrow());

test.each([
  ['https://mcp.example.com/', 'http://auth.example.com/'],
  ['https://mcp.example.com/', 'https://127.0.0.1/'],
  ['https://mcp.example.com/', 'https://localhost:9/'],
  ['https://mcp.example.com/', 'https://10.0.0.1/'],
  ['https://mcp.example.com/', 'https://172.20.0.1/'],
  ['https://mcp.example.com/', 'https://192.168.1.1/'],
  ['https://mcp.example.com/', 'http://169.254.169.254/latest'],
  ['https://mcp.example.com/', 'https://[::1]/'],
  ['https://mcp.example.com/', 'https://[fe80::1]/'],
  ['https://mcp.example.com/', 'https://[::ffff:127.0.0.1]/'],
  ['https://mcp.example.com/', 'https://router/'],
  ['https://mcp.example.com/', 'https://2130706433/'],
])('does not let %s send the daemon to %s', (server, url) => {
  expect(() => ensureReachableFor(new URL(server), new URL(url))).toThrow();
});

test.each([
  ['https://mcp.example.com/', 'https://auth.example.org/'],
  ['http://mcp.example.com/', 'http://mcp.example.com/.well-known/x'],
  ['http://127.0.0.1:1/', 'http://127.0.0.1:2/'],
  ['http://192.168.1.5/', 'http://192.168.1.6/'],
])('lets %s send the daemon to %s', (server, url) => {
  expect(() => ensureReachableFor(new URL(server), new URL(url))).not.toThrow();
});
