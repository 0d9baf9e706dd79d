//! Questions to the index, each answered with data: owns what is counted, grouped and compared.
//! It refuses to know how an answer is shown.

mod blocks;
mod facets;
mod facts;
mod filter;
mod held_up;
mod latency;
mod links;
mod search;
mod whole_text;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    blocks::{BlockLine, RouteTime, block_lines, block_place, block_rows, with_blocks_once},
    facets::{Facet, Of as FacetOf, facets},
    facts::{root, services},
    filter::{Field, Filter, FilterError, Place, parse, quoted, term_for},
    held_up::{Open, Operation, held_up, operations},
    latency::{By, Group, latency},
    links::{links_from, links_to},
    search::{Matches, search, search_in},
    whole_text::whole_text,
};
