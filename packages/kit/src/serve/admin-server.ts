import type { Log } from './log.ts';

export interface AdminAnswer {
  readonly status: number;
  readonly body: string;
  /** Plain text unless told. */
  readonly contentType?: string;
}

export interface AdminRoute {
  readonly path: string;
  answer(): AdminAnswer | Promise<AdminAnswer>;
}

export interface AdminServerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  /** All addresses unless told. */
  readonly host?: string;
  readonly routes: readonly AdminRoute[];
  readonly log: Log;
}

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}
export function startAdminServer(options: AdminServerOptions): Promise<AdminServer> { throw new Error('soon'); }
