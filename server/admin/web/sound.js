// sound.js -- tones, made here and not loaded. Browsers let a page be heard
// only after somebody has touched it.

const STEP_S = 0.25; // from one tone to the next
const TONE_S = 0.24;

let audio = null;

// On a touch or a key: from then on play() is heard.
export function wakeSound() {
  audio ??= new AudioContext();
  return audio.resume();
}

export const isAwake = () => audio?.state === 'running';

// tones: Hz, one after the other.
export function play(tones, volume = 0.3) {
  wakeSound();
  tones.forEach((hz, i) => {
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    const at = audio.currentTime + STEP_S * i;
    tone.frequency.value = hz;
    gain.gain.setValueAtTime(volume, at);
    gain.gain.exponentialRampToValueAtTime(0.001, at + TONE_S - 0.02);
    tone.connect(gain).connect(audio.destination);
    tone.start(at);
    tone.stop(at + TONE_S);
  });
}
