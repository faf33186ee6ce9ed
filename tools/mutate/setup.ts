// Limits the time of a property for each mutant. A mutant that is not found by then lives, so that a busy machine kills none.
import fc from 'fast-check';

fc.configureGlobal({ endOnFailure: true });
fc.installGlobalPlugin(fc.interruptAfterTimeLimit(2_000));
