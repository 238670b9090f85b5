use crate::tests;
tests! {}
