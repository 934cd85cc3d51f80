;; The inner loop of Reed-Solomon: dst = sum over j of coefs[j] x the bytes at ptrs[j], in GF(2^8).
;; Memory 0 to 8191 holds the products of every value with each low nibble (16 bytes) and each high nibble (16 bytes).
(module
  (import "env" "memory" (memory 1 65536))
  (func (export "dot")
    (param $dst i32) (param $count i32) (param $ptrs i32) (param $coefs i32) (param $length i32)
    (local $at i32) (local $j i32) (local $table i32) (local $from i32) (local $byte i32) (local $value i32)
    (local $low v128) (local $high v128) (local $x v128) (local $nibble v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $nibble (v128.const i32x4 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f))

    (block $done64
      (loop $next64
        (br_if $done64 (i32.gt_u (i32.add (local.get $at) (i32.const 64)) (local.get $length)))
        (local.set $a (v128.const i32x4 0 0 0 0))
        (local.set $b (v128.const i32x4 0 0 0 0))
        (local.set $c (v128.const i32x4 0 0 0 0))
        (local.set $d (v128.const i32x4 0 0 0 0))
        (local.set $j (i32.const 0))
        (loop $input
          (local.set $table (i32.shl (i32.load8_u (i32.add (local.get $coefs) (local.get $j))) (i32.const 5)))
          (local.set $low (v128.load (local.get $table)))
          (local.set $high (v128.load offset=16 (local.get $table)))
          (local.set $from (i32.add
            (i32.load (i32.add (local.get $ptrs) (i32.shl (local.get $j) (i32.const 2))))
            (local.get $at)))
          (local.set $x (v128.load (local.get $from)))
          (local.set $a (v128.xor (local.get $a) (v128.xor
            (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (local.get $nibble)))
            (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $x) (i32.const 4))))))
          (local.set $x (v128.load offset=16 (local.get $from)))
          (local.set $b (v128.xor (local.get $b) (v128.xor
            (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (local.get $nibble)))
            (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $x) (i32.const 4))))))
          (local.set $x (v128.load offset=32 (local.get $from)))
          (local.set $c (v128.xor (local.get $c) (v128.xor
            (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (local.get $nibble)))
            (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $x) (i32.const 4))))))
          (local.set $x (v128.load offset=48 (local.get $from)))
          (local.set $d (v128.xor (local.get $d) (v128.xor
            (i8x16.swizzle (local.get $low) (v128.and (local.get $x) (local.get $nibble)))
            (i8x16.swizzle (local.get $high) (i8x16.shr_u (local.get $x) (i32.const 4))))))
          (br_if $input (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $count))))
        (local.set $from (i32.add (local.get $dst) (local.get $at)))
        (v128.store (local.get $from) (local.get $a))
        (v128.store offset=16 (local.get $from) (local.get $b))
        (v128.store offset=32 (local.get $from) (local.get $c))
        (v128.store offset=48 (local.get $from) (local.get $d))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $next64)))

    (block $done16
      (loop $next16
        (br_if $done16 (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $length)))
        (local.set $a (v128.const i32x4 0 0 0 0))
        (local.set $j (i32.const 0))
        (loop $input
          (local.set $table (i32.shl (i32.load8_u (i32.add (local.get $coefs) (local.get $j))) (i32.const 5)))
          (local.set $x (v128.load (i32.add
            (i32.load (i32.add (local.get $ptrs) (i32.shl (local.get $j) (i32.const 2))))
            (local.get $at))))
          (local.set $a (v128.xor (local.get $a) (v128.xor
            (i8x16.swizzle (v128.load (local.get $table)) (v128.and (local.get $x) (local.get $nibble)))
            (i8x16.swizzle (v128.load offset=16 (local.get $table)) (i8x16.shr_u (local.get $x) (i32.const 4))))))
          (br_if $input (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $count))))
        (v128.store (i32.add (local.get $dst) (local.get $at)) (local.get $a))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next16)))

    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $length)))
        (local.set $value (i32.const 0))
        (local.set $j (i32.const 0))
        (loop $input
          (local.set $table (i32.shl (i32.load8_u (i32.add (local.get $coefs) (local.get $j))) (i32.const 5)))
          (local.set $byte (i32.load8_u (i32.add
            (i32.load (i32.add (local.get $ptrs) (i32.shl (local.get $j) (i32.const 2))))
            (local.get $at))))
          (local.set $value (i32.xor (local.get $value) (i32.xor
            (i32.load8_u (i32.add (local.get $table) (i32.and (local.get $byte) (i32.const 15))))
            (i32.load8_u offset=16 (i32.add (local.get $table) (i32.shr_u (local.get $byte) (i32.const 4)))))))
          (br_if $input (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $count))))
        (i32.store8 (i32.add (local.get $dst) (local.get $at)) (local.get $value))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))))
