// Matrix products in WebAssembly: kernel.wat, and the memory that it works on.

const PANEL = 32;
const PAGE_BYTES = 65_536;

const padded = (columns) => Math.ceil(columns / PANEL) * PANEL;

/** Numbers in the kernel's memory: `values` is a view of those at `address`. */
class Vector {
  constructor(memory, address, length) {
    this.address = address;
    this.values = new Float32Array(memory.buffer, address, length);
  }
}

/** The kernel with a memory of its own, in which matrices and vectors are placed one after the other, to stay. */
export class Matmul {
  /**
   * @param module the compiled kernel.
   * @param shapes of all matrices to come, [rows, columns] each.
   * @param numbers float32 values of all vectors to come.
   */
  constructor(module, shapes, numbers) {
    const floats = shapes.reduce((sum, [rows, columns]) => sum + rows * padded(columns), numbers);
    // A vector is padded to whole panels too; no more than this many are placed.
    const bytes = 4 * floats + 4 * PANEL * 64;
    this.memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
    this.affine = new WebAssembly.Instance(module, { memory: { memory: this.memory } }).exports.affine;
    this.end = 0;
  }

  /** Room for a vector, all zeros. */
  vector(length) {
    const vector = new Vector(this.memory, this.end, length);
    this.end += 4 * padded(length);
    return vector;
  }

  /** A matrix [rows, columns] given row by row, packed in panels. */
  matrix(values, [rows, columns]) {
    const packed = this.vector(rows * padded(columns));
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column += PANEL) {
        const [start, end] = [column, Math.min(column + PANEL, columns)].map((at) => row * columns + at);
        packed.values.set(values.subarray(start, end), column * rows + row * PANEL);
      }
    }
    return { address: packed.address, rows, columns: padded(columns) };
  }

  /** y = a + x W. The vectors a and y are as long as W has columns, or longer; x as it has rows. */
  multiply(x, matrix, a, y) {
    this.affine(x.address, matrix.address, a.address, y.address, matrix.rows, matrix.columns);
  }
}
