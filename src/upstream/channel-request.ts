// What is asked of a server over a channel, and what comes back.
import type { AppError } from '../base/errors.ts';
import type { NotificationEnvelope, ResponseEnvelope } from '../mcp/envelope.ts';

export type Answer = { envelope: ResponseEnvelope } | { error: AppError };

export type ChannelRequest = {
  method: string;
  /** The session that asked; absent: the daemon itself. */
  owner?: string;
  /** Key of the session's own request that this one carries. */
  related?: string;
  /** The message with this id (and, as a progress token, the same number). */
  encode: (id: number) => Buffer;
  onAnswer: (answer: Answer) => void;
  onProgress?: (envelope: NotificationEnvelope) => void;
  /** The server let its stream go for a while. */
  onPaused?: () => void;
  /** HTTP: further headers of this request. */
  headers?: Readonly<Record<string, string>>;
  /** Only to find something out, before the handshake. */
  isProbe?: boolean;
};
