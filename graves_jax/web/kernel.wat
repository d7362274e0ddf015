;; y = a + x W in float32, the only heavy arithmetic of the network. matmul.js lays out the memory.
;;
;; W [rows, columns] is packed in panels of 32 columns, each panel row by row, so that it is read once, from front to
;; back. The 32 sums of a panel stay in eight vector registers; each row costs one broadcast of x and eight
;; multiply-adds. Sums are formed in the order of the rows, so the result depends on nothing but the numbers.
(module
  (import "memory" "memory" (memory 1))
  (func (export "affine")
    (param $x i32)        ;; address of x, float32 [rows]
    (param $w i32)        ;; address of the packed W, float32 [columns / 32, rows, 32]
    (param $a i32)        ;; address of a, float32 [columns]
    (param $y i32)        ;; address of y, float32 [columns]
    (param $rows i32)     ;; at least 1
    (param $columns i32)  ;; a multiple of 32, at least 32
    (local $x_t i32) (local $x_end i32) (local $y_end i32) (local $s v128)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128)
    (local $s4 v128) (local $s5 v128) (local $s6 v128) (local $s7 v128)
    (local.set $x_end (i32.add (local.get $x) (i32.shl (local.get $rows) (i32.const 2))))
    (local.set $y_end (i32.add (local.get $y) (i32.shl (local.get $columns) (i32.const 2))))
    (loop $panel
      (local.set $s0 (v128.load offset=0 (local.get $a)))
      (local.set $s1 (v128.load offset=16 (local.get $a)))
      (local.set $s2 (v128.load offset=32 (local.get $a)))
      (local.set $s3 (v128.load offset=48 (local.get $a)))
      (local.set $s4 (v128.load offset=64 (local.get $a)))
      (local.set $s5 (v128.load offset=80 (local.get $a)))
      (local.set $s6 (v128.load offset=96 (local.get $a)))
      (local.set $s7 (v128.load offset=112 (local.get $a)))
      (local.set $x_t (local.get $x))
      (loop $row
        (local.set $s (v128.load32_splat (local.get $x_t)))
        (local.set $s0 (f32x4.add (local.get $s0) (f32x4.mul (local.get $s) (v128.load offset=0 (local.get $w)))))
        (local.set $s1 (f32x4.add (local.get $s1) (f32x4.mul (local.get $s) (v128.load offset=16 (local.get $w)))))
        (local.set $s2 (f32x4.add (local.get $s2) (f32x4.mul (local.get $s) (v128.load offset=32 (local.get $w)))))
        (local.set $s3 (f32x4.add (local.get $s3) (f32x4.mul (local.get $s) (v128.load offset=48 (local.get $w)))))
        (local.set $s4 (f32x4.add (local.get $s4) (f32x4.mul (local.get $s) (v128.load offset=64 (local.get $w)))))
        (local.set $s5 (f32x4.add (local.get $s5) (f32x4.mul (local.get $s) (v128.load offset=80 (local.get $w)))))
        (local.set $s6 (f32x4.add (local.get $s6) (f32x4.mul (local.get $s) (v128.load offset=96 (local.get $w)))))
        (local.set $s7 (f32x4.add (local.get $s7) (f32x4.mul (local.get $s) (v128.load offset=112 (local.get $w)))))
        (local.set $w (i32.add (local.get $w) (i32.const 128)))
        (local.set $x_t (i32.add (local.get $x_t) (i32.const 4)))
        (br_if $row (i32.lt_u (local.get $x_t) (local.get $x_end))))
      (v128.store offset=0 (local.get $y) (local.get $s0))
      (v128.store offset=16 (local.get $y) (local.get $s1))
      (v128.store offset=32 (local.get $y) (local.get $s2))
      (v128.store offset=48 (local.get $y) (local.get $s3))
      (v128.store offset=64 (local.get $y) (local.get $s4))
      (v128.store offset=80 (local.get $y) (local.get $s5))
      (v128.store offset=96 (local.get $y) (local.get $s6))
      (v128.store offset=112 (local.get $y) (local.get $s7))
      (local.set $a (i32.add (local.get $a) (i32.const 128)))
      (local.set $y (i32.add (local.get $y) (i32.const 128)))
      (br_if $panel (i32.lt_u (local.get $y) (local.get $y_end))))))
