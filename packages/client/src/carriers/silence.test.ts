import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SilenceTimer } from './silence.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('silence timer', () => {
  test('fires once when nothing moves', () => {
    const onSilence = vi.fn();
    const timer = new SilenceTimer(1_000, () => 0, onSilence);
    vi.advanceTimersByTime(999);
    expect(onSilence).not.toHaveBeenCalled();
    vi.advanceTimersByTime(100_000);
    expect(onSilence).toHaveBeenCalledExactlyOnceWith(1_000);
    timer.stop();
  });

  test('does not fire while a little keeps moving, however slowly', () => {
    const onSilence = vi.fn();
    let moved = 0;
    const timer = new SilenceTimer(1_000, () => moved, onSilence);
    for (let index = 0; index < 10; index += 1) {
      vi.advanceTimersByTime(700);
      moved += 1;
    }
    expect(onSilence).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_500);
    expect(onSilence).toHaveBeenCalledOnce();
    timer.stop();
  });

  test('fires in the end, though it never stops moving', () => {
    const onSilence = vi.fn();
    let moved = 0;
    const timer = new SilenceTimer(1_000, () => (moved += 1), onSilence);
    vi.advanceTimersByTime(9_900);
    expect(onSilence).not.toHaveBeenCalled();
    vi.advanceTimersByTime(200);
    expect(onSilence).toHaveBeenCalledExactlyOnceWith(10_000);
    timer.stop();
  });

  test('does not fire once stopped', () => {
    const onSilence = vi.fn();
    new SilenceTimer(1_000, () => 0, onSilence).stop();
    vi.advanceTimersByTime(100_000);
    expect(onSilence).not.toHaveBeenCalled();
  });
});
