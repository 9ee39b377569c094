//! Code for the widest vector instructions that the processor has, chosen when it runs. No instruction
//! fuses or reorders arithmetic, so the bits are the same with all.

/// Defines `$name`, which runs the always inlined `$any` compiled for the widest instructions at hand.
macro_rules! widest {
    ($(#[$doc:meta])* $vis:vis $name:ident, $any:ident, $avx2:ident, ($($arg:ident: $t:ty),*) $(-> $out:ty)?) => {
        $(#[$doc])*
        $vis fn $name<R: Real>($($arg: $t),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                #[expect(unsafe_code, reason = "the only way to call code for instructions found at run time")]
                // SAFETY: the processor has these instructions, as was asked on the line before.
                return unsafe { $avx2($($arg),*) };
            }
            $any($($arg),*)
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        fn $avx2<R: Real>($($arg: $t),*) $(-> $out)? {
            $any($($arg),*)
        }
    };
}

pub(super) use widest;
