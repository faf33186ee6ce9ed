// A property has so long for each mutant: one that it finds later counts as living, and a busy machine kills none by itself.
import fc from 'fast-check';

fc.configureGlobal({ endOnFailure: true });
fc.installGlobalPlugin(fc.interruptAfterTimeLimit(2_000));
