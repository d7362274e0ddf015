// The page's side of worker.js.

/** The bytes of a file of the page, from beside it or, where the page is a single file, from inside of it. */
async function read(name) {
  const inside = document.getElementById(name);
  if (inside) return decoded(inside.textContent);
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name} is missing: the server said ${answer.status}.`);
  return new Uint8Array(await answer.arrayBuffer());
}

function decoded(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let n = 0; n < bytes.length; n++) bytes[n] = binary.charCodeAt(n);
  return bytes;
}

function startWorker() {
  const inside = document.getElementById("worker.js");
  if (!inside) return new Worker("worker.js", { type: "module" });
  return new Worker(URL.createObjectURL(new Blob([inside.textContent], { type: "text/javascript" })));
}

/** The network in its worker. */
export class Engine {
  /** @returns the description of the weights, once they can write. @throws Error with one sentence. */
  async load() {
    const [json, weights, kernel] = await Promise.all(["model.json", "weights.safetensors", "kernel.wasm"].map(read));
    const description = JSON.parse(new TextDecoder().decode(json));
    this.worker = startWorker();
    this.lines = new Map();
    await new Promise((resolve, reject) => {
      this.worker.onerror = (event) => reject(new Error(`The page cannot start: ${event.message ?? "worker.js failed"}.`));
      this.worker.onmessage = ({ data }) => {
        if (data.type === "ready") resolve();
        else if (data.type === "broken") reject(new Error(data.message));
        else this.#take(data);
      };
      this.worker.postMessage({ type: "load", description, weights: weights.buffer, kernel }, [weights.buffer]);
    });
    return description;
  }

  /**
   * Writes a line, after those that were asked for before.
   *
   * @param request what worker.js takes for a line.
   * @param onDrawing, onPoints are called while it is drawn: with the number of the drawing, and with new points.
   * @returns the line, or null where it was stopped.
   */
  write(request, { onDrawing, onPoints } = {}) {
    const id = (this.lastId = (this.lastId ?? 0) + 1);
    return new Promise((resolve, reject) => {
      this.lines.set(id, { onDrawing, onPoints, resolve, reject });
      this.worker.postMessage({ type: "write", id, row: 0, bestOf: 1, ...request });
    });
  }

  stop() {
    this.worker.postMessage({ type: "stop" });
  }

  #take({ type, id, number, offsets, line, message }) {
    const asked = this.lines.get(id);
    if (type === "drawing") return asked.onDrawing?.(number);
    if (type === "points") return asked.onPoints?.(offsets);
    this.lines.delete(id);
    return type === "refused" ? asked.reject(new Error(message)) : asked.resolve(line ?? null);
  }
}
