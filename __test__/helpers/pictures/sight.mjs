// Owns how colours look: their contrast, and how far apart they are for eyes that lack one kind of receptor.

/** What is left of linear red, green and blue (Machado, Oliveira and Fernandes 2009, severity 1). */
const EYES = {
  all: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  'no red': [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  'no green': [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  'no blue': [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};

function linear(hex) {
  return [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
}

const times = (matrix, [x, y, z]) => [0, 3, 6].map((at) => matrix[at] * x + matrix[at + 1] * y + matrix[at + 2] * z);

/** The ratio of WCAG, from 1 to 21. */
export function contrast(one, other) {
  const [light, dark] = [one, other]
    .map((hex) => times([0.2126, 0.7152, 0.0722, 0, 0, 0, 0, 0, 0], linear(hex))[0] + 0.05)
    .sort((a, b) => b - a);
  return light / dark;
}

function oklab(rgb) {
  const inside = rgb.map((value) => Math.min(1, Math.max(0, value)));
  const cones = times(
    [
      0.4122214708, 0.5363325363, 0.0514459929, 0.2119034982, 0.6806995451, 0.1073969566, 0.0883024619, 0.2817188376,
      0.6299787005,
    ],
    inside,
  ).map(Math.cbrt);
  return times(
    [
      0.2104542553, 0.793617785, -0.0040720468, 1.9779984951, -2.428592205, 0.4505937099, 0.0259040371, 0.7827717662,
      -0.808675766,
    ],
    cones,
  );
}

/** The least distance of two colours in OKLab, in hundredths, among all kinds of eyes; 2 can just be seen. */
export function distance(one, other) {
  const between = Object.values(EYES).map((eye) => {
    const [a, b] = [one, other].map((hex) => oklab(times(eye, linear(hex))));
    return 100 * Math.hypot(...a.map((value, at) => value - b[at]));
  });
  return Math.min(...between);
}
