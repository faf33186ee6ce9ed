// The CustomResourceDefinitions.
export {
  customResourceDefinitions,
  type CustomResourceDefinition,
  type CustomResourceVersion,
} from './schemas/schemas.ts';
export type { Column, Schema } from './schemas/schema-parts.ts';
