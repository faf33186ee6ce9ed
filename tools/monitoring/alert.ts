// An alert rule in the words of whoever reads it at night. deploy/monitoring is made of these; docs/administrator/runbooks says what to do.

/**
 * critical: pods get no token, or may get a wrong one, now. warning: they will, or some do. info: a fact that somebody should decide about
 * by day.
 */
export type Severity = 'critical' | 'warning' | 'info';

export interface Alert {
  readonly name: `PodIdentity${string}`;
  readonly severity: Severity;
  /** PromQL; the alert is about each series of its result. */
  readonly expr: string;
  /** How long it must hold, as Prometheus writes durations. */
  readonly for: string;
  readonly summary: string;
  readonly description: string;
}

export interface AlertGroup {
  readonly name: string;
  /** The page of docs/administrator/runbooks with a section for each alert. */
  readonly runbook: string;
  readonly alerts: readonly Alert[];
}
