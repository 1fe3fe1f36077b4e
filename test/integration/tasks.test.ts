// Tasks of several sessions on servers that they share: each sees its own, of all its servers in one list.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { errorOf, type McpClient, type Message, namesIn, resultOf } from '../support/mcp-client.ts';
import { at } from '../support/mcp-http-client.ts';

describe('tasks on shared servers', () => {
  const rig = new DaemonRig();
  let [one, two]: McpClient[] = [];
  beforeAll(async () => {
    rig.writeConfig({
      paged: fixture('tasks.mjs'),
      listless: fixture('tasks.mjs', { TASKS_NO_LIST: '1' }),
      same: fixture('tasks.mjs', { TASKS_ID: 'task-1' }),
      again: fixture('tasks.mjs', { TASKS_ID: 'task-1' }),
    });
    [one, two] = [await rig.open(), await rig.open()];
  });
  afterAll(() => rig.dispose());

  const client = (found: McpClient | undefined): McpClient => {
    if (!found) throw new Error('no session');
    return found;
  };
  const begin = async (of: McpClient | undefined, server: string): Promise<string> => {
    const params = { name: `${server}__work`, arguments: {}, task: { ttl: 60_000 } };
    return String(at(await client(of).request('tools/call', params), 'result', 'task', 'taskId'));
  };
  const listed = async (of: McpClient | undefined) =>
    namesIn(await client(of).request('tasks/list'), 'tasks', 'taskId').sort();
  const about = (of: McpClient | undefined, method: string, taskId: string): Promise<Message> =>
    client(of).request(method, { taskId });

  it('lists those of the session, from every server and page, and of servers without a list', async () => {
    expect(await listed(one)).toEqual([]);
    const own = [await begin(one, 'paged'), await begin(one, 'paged'), await begin(one, 'listless')];
    const others = [await begin(two, 'paged'), await begin(two, 'listless')];
    own.push(await begin(one, 'paged'));
    expect(await listed(one)).toEqual([...own].sort());
    expect(await listed(two)).toEqual([...others].sort());
    expect(errorOf(await client(one).request('tasks/list', { cursor: 'x' })).code).toBe(-32602);
    const alone = await rig.open({ args: ['--server', 'paged'] });
    expect(await listed(alone)).toEqual([]);
  });

  it('tells of a task, and ends it, for its session only', async () => {
    const task = await begin(one, 'paged');
    expect(resultOf(await about(one, 'tasks/get', task))).toMatchObject({ taskId: task, status: 'working' });
    for (const method of ['tasks/get', 'tasks/cancel', 'tasks/result']) {
      expect(errorOf(await about(two, method, task)).code).toBe(-32602);
    }
    expect(resultOf(await about(one, 'tasks/cancel', task))).toMatchObject({ status: 'cancelled' });
    await client(one).notification('notifications/tasks/status');
    await client(two).request('ping');
    expect(client(two).notifications('notifications/tasks/status')).toEqual([]);
  });

  it('does not guess when two servers gave the same id', async () => {
    expect(await begin(two, 'same')).toBe('task-1');
    expect(resultOf(await about(two, 'tasks/get', 'task-1'))).toMatchObject({ taskId: 'task-1' });
    await begin(two, 'again');
    expect(errorOf(await about(two, 'tasks/cancel', 'task-1')).message).toContain('Two servers');
  });
});
