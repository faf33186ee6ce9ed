// Schemas of label selectors and of the fields that contain them. Structural, as API servers require from 1.20 on. Bounds are safe
// here, since no stored object is older than these fields.
import { mostNamesAllowed } from '../objects/allowed-namespaces.ts';
import {
  labelKeyPattern,
  labelValuePattern,
  longestLabelKey,
  longestLabelValue,
  namespacePattern,
  selectorLimits,
} from '../objects/label-selector.ts';
import { object, text, type Schema } from './schema-parts.ts';

function value(): Schema {
  // Kubernetes 1.20 reads an empty string in a map or a list as null.
  return { type: 'string', nullable: true, maxLength: longestLabelValue, pattern: labelValuePattern };
}

/** `values` are allowed with some operators only. */
function operators(): Schema[] {
  return [
    {
      properties: { operator: { enum: ['In', 'NotIn'] }, values: { minItems: 1 } },
      required: ['values'],
    },
    { properties: { operator: { enum: ['Exists', 'DoesNotExist'] }, values: { maxItems: 0 } } },
  ];
}

function requirement(): Schema {
  return {
    ...object('What one label must be.', {
      key: text('The name of the label.', { maxLength: longestLabelKey, pattern: labelKeyPattern }),
      operator: text('In, NotIn, Exists or DoesNotExist.', {
        enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'],
      }),
      values: {
        type: 'array',
        description: 'Of In and NotIn: the values.',
        maxItems: selectorLimits.values,
        items: value(),
      },
    }),
    required: ['key', 'operator'],
    oneOf: operators(),
  };
}

// Unknown keys are kept, so that the parser can refuse them: if the API server dropped them, the selector would select more.
export function labelSelectorSchema(description: string): Schema {
  return {
    ...object(description, {
      matchLabels: {
        type: 'object',
        nullable: true,
        description: 'Labels with their values.',
        maxProperties: selectorLimits.labels,
        additionalProperties: value(),
      },
      matchExpressions: {
        type: 'array',
        nullable: true,
        description: 'What else labels must be.',
        maxItems: selectorLimits.expressions,
        items: requirement(),
      },
    }),
    nullable: true,
  };
}

export function allowedNamespacesSchema(): Schema {
  return {
    ...object(
      'Other namespaces whose pods this identity may serve: without it, as NMI and MIC are configured.',
      {
        names: {
          type: 'array',
          nullable: true,
          description: 'Names of namespaces.',
          maxItems: mostNamesAllowed,
          items: { type: 'string', maxLength: 63, pattern: namespacePattern },
        },
        selector: labelSelectorSchema('Labels of namespaces. An empty selector is for all namespaces.'),
      },
    ),
    nullable: true,
  };
}
