import type { NamespaceView } from '@pod-identity/crd-types';
import type { BindingView, IdentityView, NodeView, PodKey, PodView } from '../views.ts';

/** `key` is `namespace/name`, or the name of a node. Without a view the object is gone. */
export type ClusterChange =
  | { readonly kind: 'pod'; readonly key: PodKey; readonly view: PodView | undefined }
  | { readonly kind: 'node'; readonly key: string; readonly view: NodeView | undefined }
  | { readonly kind: 'identity'; readonly key: string; readonly view: IdentityView | undefined }
  | { readonly kind: 'binding'; readonly key: string; readonly view: BindingView | undefined }
  | { readonly kind: 'namespace'; readonly key: string; readonly view: NamespaceView | undefined };
