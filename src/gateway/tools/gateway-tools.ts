// The six tools of gateway mode in the order they are listed. Together they must stay below 700 tokens: a test counts.
import { gatewayDescribe } from './describe.ts';
import type { GatewayTool } from './gateway-tool.ts';
import { gatewayGetResult } from './get-result.ts';
import { gatewayInvoke } from './invoke.ts';
import { gatewayInvokeAsync } from './invoke-async.ts';
import { gatewayInvokeStatus } from './invoke-status.ts';
import { gatewaySearch } from './search.ts';

export const gatewayTools: readonly GatewayTool[] = [
  gatewaySearch,
  gatewayDescribe,
  gatewayInvoke,
  gatewayInvokeAsync,
  gatewayInvokeStatus,
  gatewayGetResult,
];
