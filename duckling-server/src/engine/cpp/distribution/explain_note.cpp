// An operator that does nothing but say something in EXPLAIN.

#include "explain_note.hpp"

#include "duckdb/execution/physical_operator.hpp"
#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/planner/operator/logical_extension_operator.hpp"

using namespace duckdb;

namespace duckling {

namespace {

constexpr const char *NAME = "ON THE DRIVER";

class PhysicalNote : public PhysicalOperator {
public:
	PhysicalNote(PhysicalPlan &plan, PhysicalOperator &child, std::string reasons_p)
	    : PhysicalOperator(plan, PhysicalOperatorType::EXTENSION, child.types, child.estimated_cardinality),
	      reasons(std::move(reasons_p)) {
		children.push_back(child);
	}

	string GetName() const override {
		return NAME;
	}
	InsertionOrderPreservingMap<string> ParamsToString() const override {
		InsertionOrderPreservingMap<string> result;
		result["Because"] = reasons;
		return result;
	}
	OperatorResultType Execute(ExecutionContext &, DataChunk &input, DataChunk &chunk, GlobalOperatorState &,
	                           OperatorState &) const override {
		chunk.Reference(input);
		return OperatorResultType::NEED_MORE_INPUT;
	}
	bool ParallelOperator() const override {
		return true;
	}

private:
	std::string reasons;
};

class LogicalNote : public LogicalExtensionOperator {
public:
	LogicalNote(unique_ptr<LogicalOperator> child, std::string reasons_p) : reasons(std::move(reasons_p)) {
		estimated_cardinality = child->estimated_cardinality;
		has_estimated_cardinality = child->has_estimated_cardinality;
		children.push_back(std::move(child));
	}

	vector<ColumnBinding> GetColumnBindings() override {
		return children[0]->GetColumnBindings();
	}
	string GetExtensionName() const override {
		return "duckling_note";
	}
	string GetName() const override {
		return NAME;
	}
	bool SupportSerialization() const override {
		return false;
	}
	PhysicalOperator &CreatePlan(ClientContext &, PhysicalPlanGenerator &planner) override {
		auto &child = planner.CreatePlan(*children[0]);
		return planner.Make<PhysicalNote>(child, reasons);
	}

protected:
	void ResolveTypes() override {
		types = children[0]->types;
	}

private:
	std::string reasons;
};

} // namespace

unique_ptr<LogicalOperator> WithNote(unique_ptr<LogicalOperator> plan, std::string reasons) {
	return make_uniq<LogicalNote>(std::move(plan), std::move(reasons));
}

} // namespace duckling
