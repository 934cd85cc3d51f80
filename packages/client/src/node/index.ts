export { fileStore } from './file-store.js';
export { toDuplex } from './to-duplex.js';
