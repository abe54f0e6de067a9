// What sounds on this device. A browser lets nothing sound before somebody has touched the page, and some have no sound.

/** @type {AudioContext | null | undefined} */
let audio;

/** @returns {boolean} whether the device has sound, which is readied now */
export const hasSound = () => Boolean(audio ??= "AudioContext" in window ? new AudioContext() : null);

/** @returns {boolean} whether a tone would be heard */
export const maySound = () => audio?.state === "running";

/** Asks the browser to let the page sound, as it does after a touch. */
export const allowSound = async () => audio?.resume();

/**
 * Plays tones, if the page may sound.
 * @param {{begin: number, length: number, pitch: number, shape?: OscillatorType, loudness?: number, fades?: boolean}[]} tones in s, Hz and
 *   parts of the loudest
 */
export function play(tones) {
  if (!audio) return;
  for (const { begin, length, pitch, shape = "sine", loudness = 0.4, fades = true } of tones) {
    const start = audio.currentTime + begin;
    const tone = audio.createOscillator(), volume = audio.createGain();
    tone.type = shape;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(loudness, start);
    if (fades) volume.gain.exponentialRampToValueAtTime(0.001, start + length);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + length);
  }
}
