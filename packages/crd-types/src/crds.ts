// The CustomResourceDefinitions.
export {
  customResourceDefinitions,
  type CustomResourceDefinition,
  type CustomResourceVersion,
} from './schemas.ts';
export type { Column, Schema } from './schema-parts.ts';
export { jsonSchemaOf, type JsonSchema } from './json-schema.ts';
