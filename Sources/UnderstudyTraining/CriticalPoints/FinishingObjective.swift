import UnderstudyNetworks
import UnderstudyNumerics

/// A least-squares problem that a search descends: a student's squared error over fixed samples, for the students of one
/// kind (two layers, or more).
///
/// A search takes place in units of its own: inputs and targets in ``SampleUnits``, and the weights of each hidden node's
/// row ``normalized(_:)``. So whatever compares weights, gradients or diagonals with each other or with a constant (floors of
/// the damping, boundaries drawn over `(x, 1)`, the target) decides the same in all units and at all scales of the nodes.
protocol FinishingObjective {
  associatedtype Weights: FinishingVector
  associatedtype Evaluation: FinishingOutcome

  /// - Throws: ``ShapeError`` if the layers' biases or the samples do not fit.
  init(_ student: Student, inputs: Matrix, targets: Matrix) throws(ShapeError)

  var sampleCount: Int { get }
  func weights(of student: Student) -> Weights
  func student(of weights: Weights) throws(ShapeError) -> Student
  /// The same function, the row of every hidden node, its bias included, of norm 1; rows of zeros stay as they are.
  func normalized(_ weights: Weights) -> Weights
  /// Runs all samples through the student.
  func evaluate(_ weights: Weights) -> Evaluation
  /// Chooses how the system is solved, and sets it up; ``GaussNewtonSolver/linearize(at:_:)`` comes first of all.
  func solver(at weights: Weights, systemByteLimit: Int) -> any GaussNewtonSolver<Weights, Evaluation>
  /// The same hidden layers under the output layer that fits best; nil if that cannot be found.
  func refitted(_ state: SearchState<Self>) -> SearchState<Self>?
  /// Where restart `attempt` (from 1) begins, given the best student so far.
  func reseeded(_ best: SearchState<Self>, key: UInt64, attempt: Int) -> SearchState<Self>
  /// The norm of the gradient of J.
  func gradientNorm(at evaluation: Evaluation) -> Double
  /// The extreme eigenvalues of the Hessian of J, away from boundaries (where J has no Hessian, the gates as they are
  /// count); nil if the decomposition fails.
  func curvatures(at state: SearchState<Self>, key: UInt64) -> Curvatures?
  /// Samples whose pre-activation at some student node is 0 to within ``FinishingReport/boundaryTolerance``.
  func boundarySampleCount(of weights: Weights) -> Int
}

/// Weights, or a step of them.
protocol FinishingVector {
  /// These numbers in the shapes of `other`.
  init(_ flat: [Double], like other: Self)
  var flat: [Double] { get }
  static func + (a: Self, b: Self) -> Self
}

/// What all samples make of weights.
protocol FinishingOutcome {
  /// J = 1/2 mean ||residual||^2.
  var loss: Double { get }
  /// max over samples and lowest student nodes of |g_1(x)|.
  var largestGradient: Double { get }
}

extension FinishingOutcome {
  var isFinite: Bool { loss.isFinite && largestGradient.isFinite }
}

/// A step of the finishing stage.
struct GaussNewtonStep<Weights> {
  var step: Weights
  /// By how much the linear model lets the summed loss fall.
  var predictedFall: Double
}

/// Solves the damped Gauss-Newton system of a student.
protocol GaussNewtonSolver<Weights, Evaluation> {
  associatedtype Weights
  associatedtype Evaluation
  /// Takes up the gates, activations and residuals at these weights.
  mutating func linearize(at weights: Weights, _ evaluation: Evaluation)
  /// The step that minimises the linear model plus `damping` times the squared step, weighted by the diagonal of the
  /// Hessian of the squares; nil if the system is not positive definite in double precision and needs more damping.
  func step(damping: Double) -> GaussNewtonStep<Weights>?
  /// Whether what it holds depends, in the last bits, on the weights that it took up before.
  var keepsRoundings: Bool { get }
  /// Forgets these: what comes next is made anew.
  mutating func forget()
}

extension GaussNewtonSolver {
  var keepsRoundings: Bool { false }
  mutating func forget() {}
}

/// Weights with what they do on all samples.
struct SearchState<Objective: FinishingObjective> {
  var weights: Objective.Weights
  var evaluation: Objective.Evaluation

  /// Whether this is the state to keep: one that meets the target, else the one of the lower loss.
  func isBetter(than other: SearchState, target: Double) -> Bool {
    let (meets, otherMeets) = (evaluation.largestGradient <= target, other.evaluation.largestGradient <= target)
    return meets == otherMeets ? evaluation.loss < other.evaluation.loss : meets
  }
}

extension FinishingObjective {
  /// The problem and the student in the search's own units.
  static func inOwnUnits(
    _ student: Student, inputs: Matrix, targets: Matrix
  ) throws(ShapeError) -> (problem: Self, start: SearchState<Self>, units: SampleUnits) {
    let units = SampleUnits(inputs: inputs, targets: targets)
    let scaled = Student(units.scaled(student.network))
    let problem = try Self(
      scaled, inputs: inputs.scaled(by: 1 / units.inputSize), targets: targets.scaled(by: 1 / units.outputSize))
    return (problem, problem.state(of: problem.normalized(problem.weights(of: scaled))), units)
  }

  func state(of weights: Weights) -> SearchState<Self> { SearchState(weights: weights, evaluation: evaluate(weights)) }
}
