import { describe, expect, it } from 'vitest';
import { glossaryTerms, termsWithoutEntry } from './glossary.ts';

const terms = glossaryTerms('- **AzureIdentity**: names one. **RBAC**, **ARM** (`SystemAssigned`): rules.');

describe('terms without an entry in the glossary', () => {
  it('are abbreviations and kinds of objects, each once and in the singular', () => {
    expect(termsWithoutEntry('A VMSS with NodePools, a NodePool; ARM and RBAC.', terms)).toEqual([
      'VMSS',
      'NodePool',
    ]);
  });

  it('are not plurals of terms, code, links or general abbreviations of computing', () => {
    const page = 'AzureIdentities, SystemAssigned, `VMSS`, [JSON](VMSS.md)\n```\nVMSS\n```\n';
    expect(termsWithoutEntry(page, terms)).toEqual([]);
  });
});
