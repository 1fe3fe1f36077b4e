// What the official suite starts for each of its client scenarios, with the address of the scenario's server: the
// released wrapper and daemon in a home of their own, that server as an `http` entry, and a host that does what the
// scenario wants. What the suite judges on the wire is therefore the daemon's upstream side.
import '../../../scripts/define-globals.ts';
import type { Message } from '../../support/mcp-client.ts';

async function main(address: string | undefined): Promise<void> {
  // Constants of the bundles have to be there before any source is read.
  const [{ DaemonRig }, { conduct }, { McpHost }] = await Promise.all([
    import('../../support/daemon-rig.ts'),
    import('./scenarios.ts'),
    import('./mcp-host.ts'),
  ]);
  const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
  const context: Message = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}');
  const rig = new DaemonRig();
  try {
    const { entry = {}, capabilities = {}, patience = 2, act } = conduct(scenario, context);
    rig.writeConfig({ scenario: { type: 'http', url: address ?? '', sampling: true, ...entry } });
    const client = await rig.open({ args: ['--server', 'scenario'], capabilities });
    await act(new McpHost(client, rig, patience));
  } catch (error) {
    console.error(rig.log());
    throw error;
  } finally {
    await rig.dispose();
  }
}

main(process.argv[2]).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
