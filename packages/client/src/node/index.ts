export { toDuplex } from './to-duplex.js';
