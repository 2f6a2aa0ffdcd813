//! Spillway.

pub mod admin;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod demo;
pub mod edge;
pub mod limit;
pub mod origin;
pub mod overload;
pub mod policy;
pub mod telemetry;
