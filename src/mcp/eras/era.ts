// An era is what revisions have in common that speak alike. A connection with a server and a session of a program each have
// one, chosen once by what was agreed at the beginning. What differs is done by it, so that nobody asks which one it is; a
// further era is a further object, and the compiler names what it lacks.
import type { Edit } from '../../base/json-scan.ts';
import type { Envelope, NotificationEnvelope, RequestEnvelope, ResponseEnvelope } from '../envelope.ts';
import type { InputAnswers } from '../input-required.ts';
import type { WhoAsks } from '../modern.ts';

export type EraName = 'sessions' | 'stateless';

export type Era = ServerManner &
  ProgramManner & {
    readonly name: EraName;
    /** Newest first. */
    readonly versions: readonly string[];
    readonly http: HttpManner;
  };

export type OwnRequest = { readonly method: string; readonly params: Record<string, unknown> };

/** How a server of this era is spoken to. */
type ServerManner = {
  /** It is greeted before it is asked anything; else it says who it is when it is asked. */
  readonly hasHandshake: boolean;
  /** What each request tells it of who asks; undefined: it knows that from the handshake. */
  readonly requestMeta: (who: WhoAsks) => Record<string, unknown> | undefined;
  /** Any answer to it shows that the server is not stuck. */
  readonly lifeSign: string;
  /** Messages that want no answer reach it. */
  readonly hearsNotifications: boolean;
  /** Sets how much it logs; undefined: each request says it. */
  readonly levelRequest: (level: string) => OwnRequest | undefined;
  /** How it is asked to tell of a resource: each by a request, or all of them on one request that stays open. */
  readonly tellsOfResources: 'subscribed' | 'listened';
  /** What it tells, without the marks that belong to our own hop. */
  readonly noticeEdits: (notice: NotificationEnvelope) => Edit[];
  /** The answer to such a request may be that the program is to be asked first. */
  readonly mayAskFirst: (method: string) => boolean;
  /** What its people have to correct in one definition. */
  readonly wrongIn: (definition: { readonly what: string; readonly olderWhat?: string }) => string;
  /** What is between it and a program of that era. */
  readonly from: Readonly<Record<EraName, Crossing>>;
};

/** How a program of this era is spoken to. */
type ProgramManner = {
  /** The version that it gets for the one it asked for. */
  readonly negotiate: (asked: string | undefined) => string;
  /** It is asked by an answer; else a request of ours has to do that. */
  readonly readsQuestions: boolean;
  /** A whole list of tools, as its programs can read it. */
  readonly tools: (list: Buffer) => Buffer;
};

/** What of HTTP is different. */
export type HttpManner = {
  /** Methods that an endpoint knows. */
  readonly methods: readonly string[];
  /** A message that wants no answer is sent, a cancellation too; else the end of a request's stream is what cancels it. */
  readonly sendsNotifications: boolean;
  /** What belongs to no request comes on a stream of its own. */
  readonly hasStreamAside: boolean;
  /** A broken stream can be asked for again. */
  readonly resumesStreams: boolean;
  /** A tool's definition may want arguments repeated in headers. */
  readonly mirrorsParams: boolean;
  readonly sessionHeaders: (session: { id: string | undefined; version: string | undefined }) => Record<string, string>;
  /** Say what a message is to those who do not read it. */
  readonly routingHeaders: (message: Envelope) => Record<string, string>;
  /** With this refusal the server says that it does not speak this era any more. `code`: of the error in it. */
  readonly disowns: (refusal: string, code: number | undefined) => boolean;
};

/** From a program of one era to a server of another, or of the same. */
export type Crossing = {
  /** `who`: what the server has to be told; `answers`: what the program said to the server's questions. */
  readonly requestEdits: (
    request: RequestEnvelope,
    told: { who: () => WhoAsks; answers: InputAnswers | undefined },
  ) => Edit[];
  readonly answerEdits: (answer: ResponseEnvelope, call: CrossedCall) => Edit[];
  /** The error says what we did not declare, in words that are not the program's. undefined: it is another error. */
  readonly undeclared: (answer: ResponseEnvelope) => readonly string[] | undefined;
};

export type CrossedCall = {
  method: string;
  /** Capabilities that the server asked for and the program did not declare. */
  lacks: ReadonlySet<string>;
  /** The program was given another definition of the tool than its server wrote. */
  isReshaped: () => boolean;
};
