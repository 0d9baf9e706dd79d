//! What a decoded span is: views into an arena.
//! It refuses to know where the bytes came from and which wire format they will take.
