// The CustomResourceDefinitions.
export { customResourceDefinitions, type CustomResourceDefinition } from './schemas.ts';
