//! The Node-API border of Offloop: converts, and decides nothing.
