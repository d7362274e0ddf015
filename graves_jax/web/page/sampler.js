// One text in, one line of ink out, point by point. A generator, so that whoever runs it may draw each point at once,
// stop, or do something else in between.

import { drawNoise, drawWithNoise } from "./mixture.js";
import { foldIn } from "./random.js";
import { stopRule } from "./stop.js";
import { logSumExp, logWindowWeights } from "./window.js";

/**
 * Draws one line; point t with foldIn(key, t).
 *
 * @param model as `loadWeights` gives it.
 * @param codes of the text as `encode` gives them, behind those of the style where there is one.
 * @param options.maxPoints where a line that does not end is cut.
 * @param options.bias 0 as learned, more is neater.
 * @param options.start the point before the first one drawn: the last one of a style; the network has read the others.
 * @yields {offset, position, sharpness}: the point in normalised units, the character that the window looked at most,
 *   from 0, and the share of that character in all that it looked at.
 * @returns whether the line ended by the stop rule.
 */
export function* sample({ network, sampler }, key, codes, { maxPoints, bias, start = [0, 0, 0] }) {
  const { num_components: numComponents, sigma_floor: sigmaFloor } = network.config;
  // A code for the end of the text is no character.
  const length = codes.length - (network.config.ends_text ? 1 : 0);
  const stop = stopRule(network.config, sampler, length);
  let point = start;
  for (let t = 0; t < maxPoints; t++) {
    const yHat = network.step(point, codes);
    const before = point;
    point = drawWithNoise(drawNoise(foldIn(key, t), numComponents), yHat, bias, sigmaFloor);
    const logPhi = logWindowWeights(network.window, length + 1);
    const largest = Math.max(...logPhi);
    const position = logPhi.indexOf(largest);
    const { isOver, isCut } = stop.look({ position, before, point, t });
    if (isOver) return true;
    // The pen lifts where the line is cut, whatever was drawn.
    const lift = isCut || t === maxPoints - 1 ? 1 : point[2];
    yield { offset: [point[0], point[1], lift], position, sharpness: Math.exp(largest - logSumExp(logPhi)) };
    if (isCut) return true;
  }
  return false;
}
