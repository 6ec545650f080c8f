export { IndexedDbMetadataStore } from './indexed-db-store.ts';
