'use strict';

/**
 * Runs a comparison again, three times at most, when chance may have come between: jitter can put a second attempt
 * so late that it runs out of time where the first had ended with its own error. A defect fails every time.
 */
async function repeated(isByChance, compare) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await compare();
    } catch (error) {
      if (!isByChance || attempt === 3) throw error;
    }
  }
}

module.exports = { repeated };
