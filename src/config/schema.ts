// What may stand in the config file: the only source of its types, defaults and generated documentation.
// zod/mini instead of zod: 49 KB instead of 188 KB in the bundle, 0.8 MB instead of 4.2 MB of memory in the daemon.
import * as z from 'zod/mini';

const text = () => z.string().check(z.minLength(1));
const count = (least: number, most: number) => z.int().check(z.minimum(least), z.maximum(most));
/** Also the longest delay a timer takes; a longer one fires at once. */
const longestMs = 2_147_483_647;
const milliseconds = (least = 0) => count(least, longestMs);

export const sharings = ['auto', 'shared', 'project', 'session'] as const;
export const catalogModes = ['auto', 'all', 'gateway', 'dynamic'] as const;
export const transports = ['streamable-http', 'stdio'] as const;

const described = (meaning: string) => z.describe(meaning);

export const serverSchema = z.looseObject({
  type: z
    .optional(z.enum(['stdio', 'http', 'streamable-http', 'sse', 'ws']))
    .check(
      described(
        'How the server is spoken to; `streamable-http` is another name of `http`. Without it: `stdio` for a command, else by the URL (`ws://`, a path that ends in `/sse`, else `http`).',
      ),
    ),
  command: z
    .optional(text())
    .check(
      described(
        'Program to start. Together with `url`: a server that we start and that then speaks HTTP at that address.',
      ),
    ),
  args: z._default(z.array(z.string()), []).check(described('Arguments; each stays one argument after substitution.')),
  env: z
    ._default(z.record(z.string(), z.string()), {})
    .check(described('Environment variables of the server, beside the usual ones such as PATH and HOME.')),
  inheritEnv: z
    ._default(z.array(z.string().check(z.regex(/^[A-Za-z_][A-Za-z0-9_]*\*?$/))), [])
    .check(
      described('Names of variables that the server gets from the session that asks; `AWS_*` means all that start so.'),
    ),
  cwd: z
    .optional(text())
    .check(
      described(
        'Folder the server starts in. `session` is the folder in which the session was opened, `project` the root of its project, whose sessions then share the copy and all below the root. A relative path counts from the session’s folder (`./session` for a folder of that name). Without it: that folder itself, or an empty one for a server shared by everyone.',
      ),
    ),
  url: z
    .optional(text())
    .check(described('Address of a remote server, or with `command` the address our own copy answers at.')),
  headers: z._default(z.record(z.string(), z.string()), {}).check(described('HTTP headers sent with every request.')),
  oauth: z
    .optional(
      z.looseObject({
        clientId: z.optional(text()).check(described('Name under which this program is registered there.')),
        clientSecret: z.optional(text()).check(described('Secret of that registration, best as a `${REFERENCE}`.')),
        callbackPort: z.optional(count(1, 65_535)).check(described('Port of the address that the login returns to.')),
        scopes: z.optional(z.union([z.string(), z.array(z.string())])).check(described('Rights to ask for.')),
        authServerMetadataUrl: z
          .optional(text())
          .check(described('Where the description of the login server is, if it is not where it should be.')),
      }),
    )
    .check(described('Login details of a remote server whose defaults do not do.')),
  as: z
    .optional(text())
    .check(
      described(
        "The name that sessions see instead of the entry's own, so that two projects can each have a server of one name. Where several entries of one name fit, the one with the nearest folder in `projects` counts.",
      ),
    ),
  enabled: z._default(z.boolean(), true).check(described('`false` keeps the entry but no session sees the server.')),
  disabled: z.optional(z.boolean()).check(described('The opposite of `enabled`, as some other programs write it.')),
  sharing: z
    ._default(z.enum(sharings), 'auto')
    .check(
      described(
        'Who uses one copy: `shared` by everyone, `project` by the sessions of one project, `session` by nobody else. `auto` decides by what the server is; `mcp-proxy explain <server>` shows the choice and why.',
      ),
    ),
  projects: z
    .optional(z.array(text()))
    .check(
      described('Folders whose sessions may see the server, absolute or `~/…`, with all below them. Without it: all.'),
    ),
  timeoutMs: z
    .optional(milliseconds(1))
    .check(described('Longest time of one call. Without it only the limit of the calling program counts.')),
  timeout: z
    .optional(milliseconds())
    .check(described("Claude Code's name of `timeoutMs`; values below 1000 are ignored as there.")),
  startTimeoutMs: z
    .optional(milliseconds(1))
    .check(described('Longest time until the server answers its first message. Without it: `daemon.startTimeoutMs`.')),
  idleStopMs: z
    ._default(milliseconds(), 600_000)
    .check(described('A copy that nobody called for so long is stopped and starts again on demand; 0 never.')),
  keepAlive: z
    ._default(z.boolean(), false)
    .check(described('Never stop a copy for being idle while sessions are open.')),
  maxConcurrent: z
    .optional(count(1, 10_000))
    .check(described('Most calls that one copy gets at the same time; more wait their turn. Without it: no limit.')),
  onAmbiguous: z
    ._default(z.enum(['refuse', 'serialize']), 'refuse')
    .check(
      described(
        'When a shared server asks something while several sessions have calls: `refuse` the question, or `serialize` the calls so that it is always clear who is asked.',
      ),
    ),
  sampling: z
    ._default(z.boolean(), false)
    .check(
      described(
        "Let the server use the session's model (MCP sampling), if the session can. Servers of 2026-07-28 are told with each call what its session can and need no setting.",
      ),
    ),
  tools: z
    .prefault(
      z.looseObject({
        allow: z.optional(z.array(text())).check(described('Only these tools are offered; `*` stands for anything.')),
        deny: z
          ._default(z.array(text()), [])
          .check(described('These tools are never offered nor called, even if allowed above.')),
      }),
      {},
    )
    .check(described('Which tools of the server exist for the sessions.')),
  shield: z
    .optional(z.boolean())
    .check(
      described(
        'Shorten huge results and keep the rest for `gateway_get_result`. Without it: only in the modes `gateway` and `dynamic`.',
      ),
    ),
  alwaysLoad: z
    ._default(z.boolean(), false)
    .check(described("Claude Code's own: keep the server's tools in the model's view instead of listing names.")),
});

export const portSchema = z.union([z.literal('off'), count(0, 65_535)]);
export const topKSchema = count(1, 1_000);
export const toolsLimitSchema = count(1, 10_000);
export const transportSchema = z.enum(transports);

export const knownServerSchema = z.looseObject({
  names: z
    .array(text())
    .check(
      z.minLength(1),
      described('Names of the program or package, without version; `*` stands for anything, as in `*-mcp`.'),
    ),
  arguments: z
    .optional(z.array(text()))
    .check(described('Arguments that must all be there as well, for a program that is not always an MCP server.')),
  sharing: z.enum(['shared', 'project', 'session']).check(described('What `sharing: auto` chooses for it.')),
  reason: text().check(described('One sentence for people: why.')),
  maxConcurrent: z
    .optional(count(1, 10_000))
    .check(described('Most calls that one copy gets at the same time, where the entry does not say.')),
  folder: z
    .optional(z.enum(['project']))
    .check(
      described(
        'It works on the whole project, from whichever folder of it: where it is given the root, the sessions in folders of one project share a copy that starts there.',
      ),
    ),
});

export const settingsShape = {
  daemon: z
    .prefault(
      z.looseObject({
        idleExitMs: z
          ._default(milliseconds(), 30_000)
          .check(described('The daemon ends when nobody was connected for so long.')),
        maxMessageBytes: z
          ._default(count(65_536, 1_073_741_824), 67_108_864)
          .check(described('Longest single message; a longer one is answered with an error and the connection stays.')),
        startLimit: z._default(count(1, 64), 4).check(described('How many servers start at the same time.')),
        startTimeoutMs: z
          ._default(milliseconds(1), 60_000)
          .check(described('Longest time until a started server answers; a first `npx` or `uvx` also downloads.')),
        maxQueued: z
          ._default(count(1, 100_000), 1_000)
          .check(described('How many calls may wait for one copy; more are refused.')),
      }),
      {},
    )
    .check(described('The background process.')),
  http: z
    .prefault(
      z.looseObject({
        port: z
          ._default(portSchema, 12_476)
          .check(
            described('Port on 127.0.0.1 for programs that cannot start a process; 0 any free one, `"off"` none.'),
          ),
        host: z
          ._default(z.enum(['127.0.0.1', 'localhost', '::1']), '127.0.0.1')
          .check(described('Always this machine: other addresses are refused.')),
        auth: z._default(z.enum(['token']), 'token').check(described('Every request carries the bearer token.')),
        keepDaemon: z._default(z.boolean(), false).check(described('HTTP users alone keep the daemon alive.')),
      }),
      {},
    )
    .check(described('The HTTP endpoint.')),
  tools: z
    .prefault(
      z.looseObject({
        mode: z
          ._default(z.enum(catalogModes), 'auto')
          .check(
            described(
              'What the model sees: `all` tools as they are, six `gateway` tools that find and call the others, or `dynamic`: a search whose hits become tools. `auto` chooses by program and number of tools. A session keeps the mode it began with.',
            ),
          ),
        topK: z._default(topKSchema, 10).check(described('How many tools one search of `dynamic` brings in.')),
        toolsLimit: z
          ._default(toolsLimitSchema, 50)
          .check(described('How many found tools a session of `dynamic` keeps; the least recently used goes first.')),
        clients: z
          ._default(z.record(z.string(), z.enum(catalogModes)), {})
          .check(
            described('Another mode for programs by the name they give themselves, as in `{"cursor": "gateway"}`.'),
          ),
      }),
      {},
    )
    .check(described('How tools are offered.')),
  shield: z
    .prefault(
      z.looseObject({
        arrayItems: z._default(count(1, 1_000_000), 50).check(described('Items kept of one array.')),
        stringChars: z._default(count(64, 100_000_000), 8_192).check(described('Characters kept of one string.')),
        heavyFieldBytes: z
          ._default(count(16, 100_000_000), 256)
          .check(described('A field of many objects in one array goes when its values are longer on average.')),
        maxResultBytes: z._default(count(1_024, 1_073_741_824), 65_536).check(described('Size of a shortened result.')),
        maxResults: z._default(count(1, 100_000), 100).check(described('How many full results a session keeps.')),
        maxStoredBytes: z
          ._default(count(65_536, 1_073_741_824), 33_554_432)
          .check(described('How many bytes of full results the daemon keeps for all sessions.')),
        keepMs: z._default(milliseconds(1_000), 1_800_000).check(described('How long a full result can be asked for.')),
      }),
      {},
    )
    .check(described('Limits for results, where the shield is on.')),
  knownServers: z
    ._default(z.array(knownServerSchema), [])
    .check(described('Your own rows for `sharing: auto`; they win over the built-in table.')),
};

export const settingsSchema = z.looseObject(settingsShape);

/** The whole file; servers are also checked one by one so that a bad one does not take the others down. */
export const configSchema = z.looseObject({
  $schema: z.optional(z.string()).check(described('Ignored; editors use it.')),
  mcpServers: z
    ._default(z.record(z.string(), serverSchema), {})
    .check(described("The servers by name, in Claude Code's format; the keys of one server are listed below.")),
  ...settingsShape,
});

export type ServerDefinition = z.infer<typeof serverSchema>;
export type Settings = z.infer<typeof settingsSchema>;
export type KnownServer = z.infer<typeof knownServerSchema>;
export type SharingChoice = (typeof sharings)[number];
export type TransportChoice = (typeof transports)[number];
