// The attention: a mixture of K Gaussians that slides over the text and never turns back.
// Graves (2013), equations (46)-(51). Positions count from 1, as in the paper.

/**
 * α = exp α̂,  β = exp β̂,  κ_t = κ_{t-1} + exp κ̂        (49)-(51)
 *
 * Overwrites `window` with the next one.
 */
export function moveWindow(window, windowHat) {
  const numWindow = window.kappa.length;
  for (let k = 0; k < numWindow; k++) {
    window.alpha[k] = Math.exp(windowHat[k]);
    window.beta[k] = Math.exp(windowHat[numWindow + k]);
    window.kappa[k] += Math.exp(windowHat[2 * numWindow + k]);
  }
}

/**
 * w_t = Σ_u φ(t, u) c_u  with  φ(t, u) = Σ_k α_k exp(-β_k (κ_k - u)²)        (46), (47)
 *
 * Overwrites `w`, the window's view of the text, one number for each code.
 */
export function attend({ alpha, beta, kappa }, codes, w) {
  w.fill(0);
  codes.forEach((code, index) => {
    let phi = 0;
    for (let k = 0; k < kappa.length; k++) phi += alpha[k] * Math.exp(-beta[k] * (kappa[k] - index - 1) ** 2);
    w[code] += phi;
  });
}

/** log φ(t, u) for u = 1 .. numPositions, which stays finite where φ itself underflows: far from every centre. */
export function logWindowWeights({ alpha, beta, kappa }, numPositions) {
  const logPhi = new Float64Array(numPositions);
  const terms = new Float64Array(kappa.length);
  const logAlpha = alpha.map(Math.log);
  for (let u = 1; u <= numPositions; u++) {
    for (let k = 0; k < kappa.length; k++) terms[k] = logAlpha[k] - beta[k] * (kappa[k] - u) ** 2;
    logPhi[u - 1] = logSumExp(terms);
  }
  return logPhi;
}

/** log Σ exp. */
export function logSumExp(terms) {
  let largest = -Infinity;
  for (const term of terms) largest = Math.max(largest, term);
  let sum = 0;
  for (const term of terms) sum += Math.exp(term - largest);
  return largest + Math.log(sum);
}
