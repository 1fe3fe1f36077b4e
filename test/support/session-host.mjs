// A host as small as can be: starts the wrapper, holds its pipes, says "ready" when initialize was answered, and lives
// until it is killed. Arguments: the wrapper's command.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'small-host', version: '1' } };
child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
createInterface({ input: child.stdout }).once('line', () => console.log('ready'));
