export { block, drip, endless, flipByte, Recorder, replaceBody } from './attacks.ts';
export { type Answer, type Attack, EvilMirror } from './evil-mirror.ts';
