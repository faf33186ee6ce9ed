// Begins and ends a fault and measures the recovery time. One function for each kind; the plan has the parameters.
import type { FaultName } from '../plan/faults.ts';
import { apiMeasures } from './measure-api.ts';
import { azureMeasures } from './measure-azure.ts';
import { imdsMeasures } from './measure-imds.ts';
import { processMeasures } from './measure-processes.ts';
import type { Measure } from './recovery-time.ts';

export const measures: Readonly<Record<FaultName, Measure>> = {
  ...processMeasures,
  ...apiMeasures,
  ...azureMeasures,
  ...imdsMeasures,
};
