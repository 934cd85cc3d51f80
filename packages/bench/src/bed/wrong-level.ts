import type { Answers } from '../process/usage.js';

/**
 * Holds what was answered against the level that was asked for: the speed of another level would be a lie. Gives what is
 * wrong, in words.
 */
export function wrongLevel(answers: Answers, level: 1 | 2, encoding: 'text' | 'bytes'): string[] {
  const expected = level === 1 ? 'json' : encoding;
  // A faulty relay may answer pages of its own; they are never the most.
  const others = Object.entries(answers).filter(([kind, count]) => kind !== expected && count > answers[expected]);
  if (answers[expected] > 0 && others.length === 0) return [];
  const seen = Object.entries(answers).map(([kind, count]) => `${count} ${kind}`);
  return [`the wire is not level ${level} as ${encoding}: answers were ${seen.join(', ')}`];
}
