import UnderstudyNumerics

/// What conjugate gradients came to.
struct ConjugateGradients {
  var solution: [Double]
  /// The right side less the product with the solution.
  var residual: [Double]
  var iterationCount = 0
}

/// Solves `A x = b` for a positive definite matrix that is given by its products, by preconditioned conjugate gradients.
///
/// They end when the residual is at most `tolerance` times the right side, both in the preconditioner's norm, after
/// `iterationLimit` products, or when the matrix turns out not to be positive definite.
///
/// - Complexity: a product and a preconditioning for each iteration.
/// - Source: Hestenes, Stiefel 1952.
func conjugateGradients(
  rightSide: [Double], iterationLimit: Int, tolerance: Double, preconditioner: ([Double]) -> [Double],
  product: ([Double]) -> [Double]
) -> ConjugateGradients {
  var result = ConjugateGradients(solution: [Double](repeating: 0, count: rightSide.count), residual: rightSide)
  var preconditioned = preconditioner(rightSide)
  var direction = preconditioned
  var size = dotProduct(rightSide, preconditioned)
  let wanted = tolerance * tolerance * size
  while result.iterationCount < iterationLimit, size > wanted {
    let image = product(direction)
    let curvature = dotProduct(direction, image)
    guard curvature > 0, curvature.isFinite else { break }
    let length = size / curvature
    for i in direction.indices {
      result.solution[i] += length * direction[i]
      result.residual[i] -= length * image[i]
    }
    preconditioned = preconditioner(result.residual)
    let next = dotProduct(result.residual, preconditioned)
    for i in direction.indices { direction[i] = preconditioned[i] + next / size * direction[i] }
    size = next
    result.iterationCount += 1
  }
  return result
}
